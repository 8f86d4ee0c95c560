/** Cities with their countries, how often they occur, and what follows from a country: currency and phone prefix. */
import type { Weighted } from './draw.ts';

export interface Place {
  readonly city: string;
  readonly country: string;
}

const place = (city: string, country: string): Place => ({ city, country });

export const COMPANY_PLACES: Weighted<Place> = [
  [place('Berlin', 'Germany'), 9],
  [place('Munich', 'Germany'), 7],
  [place('Hamburg', 'Germany'), 8],
  [place('Paris', 'France'), 7],
  [place('Lyon', 'France'), 3],
  [place('London', 'United Kingdom'), 9],
  [place('Manchester', 'United Kingdom'), 3],
  [place('Zurich', 'Switzerland'), 6],
  [place('Geneva', 'Switzerland'), 2],
  [place('Vienna', 'Austria'), 4],
  [place('Amsterdam', 'Netherlands'), 5],
  [place('Rotterdam', 'Netherlands'), 3],
  [place('Madrid', 'Spain'), 4],
  [place('Milan', 'Italy'), 4],
  [place('Stockholm', 'Sweden'), 4],
  [place('Oslo', 'Norway'), 3],
  [place('Copenhagen', 'Denmark'), 3],
  [place('Warsaw', 'Poland'), 4],
  [place('New York', 'United States'), 5],
  [place('Chicago', 'United States'), 3],
  [place('Boston', 'United States'), 2],
  [place('Singapore', 'Singapore'), 3],
  [place('Tokyo', 'Japan'), 2],
  [place('Bangalore', 'India'), 3],
];

/** Where the firm has offices. */
export const OFFICE_CITIES: Weighted<string> = [
  ['Berlin', 30],
  ['Hamburg', 16],
  ['London', 14],
  ['Paris', 10],
  ['Zurich', 8],
  ['Vienna', 6],
  ['Warsaw', 7],
  ['Bangalore', 6],
  ['New York', 3],
];

/** Where project work is done: the offices mostly, and wherever clients are. */
export const PROJECT_CITIES: Weighted<string> = COMPANY_PLACES.map(([{ city }, weight]) => {
  const office = OFFICE_CITIES.find(([name]) => name === city)?.[1] ?? 0;
  return [city, weight + office] as const;
});

const CURRENCY_OF_COUNTRY: Readonly<Record<string, string>> = {
  'United Kingdom': 'GBP',
  Switzerland: 'CHF',
  'United States': 'USD',
  Singapore: 'USD',
  Japan: 'USD',
  India: 'USD',
};

/** The contract currencies are EUR, USD, GBP and CHF; whoever has another one bills in EUR. */
export function currencyOf(country: string): string {
  return CURRENCY_OF_COUNTRY[country] ?? 'EUR';
}

export const PHONE_PREFIX: Readonly<Record<string, string>> = {
  Germany: '+49',
  France: '+33',
  'United Kingdom': '+44',
  Switzerland: '+41',
  Austria: '+43',
  Netherlands: '+31',
  Spain: '+34',
  Italy: '+39',
  Sweden: '+46',
  Norway: '+47',
  Denmark: '+45',
  Poland: '+48',
  'United States': '+1',
  Singapore: '+65',
  Japan: '+81',
  India: '+91',
};
