/** Words that company names are made of. */

export const COMPANY_LEADS: readonly string[] =
  `Nordwind Halden Albatros Amberg Arden Arvato Astoria Auriga Avalon Azimut Baltica Beaumont Belmont Birkdale Blackmoor
Bluewater Borealis Brightwell Brockhaus Caldera Cambria Cantara Carraway Castellan Cedarhurst Celtis Clearbrook Corvus
Cresta Dalton Danubia Delmare Dorado Drachenfels Eastgate Edelmann Elbtal Elmwood Emberly Equinox Everett Fairmont
Falkenberg Fenwick Ferrum Firstmark Fjordal Fortuna Gallant Garonne Glenmore Goldcrest Granite Greenfield Hallmark
Hanseatic Harwick Helvetia Highmark Hollander Ironbridge Isarwerk Jadran Juniper Kastell Kestrel Kingsway Kronos
Lakeshore Lamberti Larkspur Lindenau Lindholm Lodestar Lumina Lyndhurst Magellan Marlowe Mayfield Meridian Merlin
Montara Moritz Neckar Newhaven Nobilis Northgate Novara Oakridge Oberon Octavia Orchid Osterberg Pallas Paragon
Pellworm Petrel Pinnacle Polaris Pontis Quadrant Quintus Ravensburg Redwood Rheingold Riverton Rosenthal Sagitta Santoro
Saxonia Seaford Sequoia Silverline Skagen Solaris Southport Sterling Summit Talwerk Tamaris Tessera Thornbury Tideway
Torrent Trident Umbria Valora Vantage Verano Vesta Vistula Waldmark Wescott Westerly Whitmore Windmere Xenon
Yarrow Zephyr Zenith`.split(/\s+/);

export const INDUSTRY_TRADES: Readonly<Record<string, readonly string[]>> = {
  Energy: ['Energy', 'Power', 'Renewables', 'Wind', 'Petroleum', 'Grid Services'],
  Construction: ['Construction', 'Builders', 'Civil Works', 'Steel', 'Interiors', 'Engineering'],
  Software: ['Software', 'Systems', 'Analytics', 'Cloud', 'Technologies', 'Consulting'],
  Logistics: ['Logistics', 'Freight', 'Shipping', 'Transport', 'Warehousing'],
  Healthcare: ['Pharma', 'Medical', 'Clinics', 'Diagnostics', 'Health'],
  Retail: ['Retail', 'Stores', 'Foods', 'Fashion', 'Trading'],
  Banking: ['Bank', 'Capital', 'Insurance', 'Finance'],
  Telecom: ['Telecom', 'Networks', 'Mobile', 'Broadband'],
};

/** What the members of a group are called after its lead word, and what they do. */
export const GROUP_MEMBERS: readonly (readonly [string, string])[] = [
  ['Energy', 'Energy'],
  ['Renewables', 'Energy'],
  ['Construction', 'Construction'],
  ['Infrastructure', 'Construction'],
  ['Digital', 'Software'],
  ['Systems', 'Software'],
  ['Logistics', 'Logistics'],
  ['Shipping', 'Logistics'],
  ['Health', 'Healthcare'],
  ['Retail', 'Retail'],
  ['Finance', 'Banking'],
  ['Networks', 'Telecom'],
];
