// Before the first paint: the theme that was chosen on this device, where one was.
(() => {
  try {
    const theme = localStorage.getItem('querent.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is switched off: the system's scheme it is.
  }
})();
