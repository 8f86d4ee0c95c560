/** Words that project names are made of: programmes carry a code name, single projects name their object and the work. */

export const PROGRAMME_CODE_NAMES: readonly string[] =
  `Orion Apollo Atlas Aurora Phoenix Titan Mercury Neptune Saturn Jupiter Pegasus Hercules Odyssey Horizon Everest Matterhorn
Kilimanjaro Amazon Danube Nile Sahara Pacific Atlantic Baltic Condor Falcon Osprey Heron Kingfisher Panther Lynx Bison
Mustang Dolphin Marlin Cobalt Titanium Platinum Emerald Sapphire Topaz Amber Quartz Onyx Maple Cypress Willow Magnolia
Lavender Saffron Monsoon Tempest Cyclone Glacier Volcano Canyon Prairie Tundra`.split(/\s+/);

export const PROGRAMME_ENDINGS: readonly string[] = [
  'Programme',
  'Transformation',
  'Initiative',
  'Expansion',
];

/** What a child of a programme does, after the programme's code name. */
export const WORKSTREAMS: readonly string[] = [
  'Data Platform',
  'Data Migration',
  'Process Design',
  'User Training',
  'System Integration',
  'Pilot Rollout',
  'Vendor Selection',
  'Security Review',
  'Mobile App',
  'Reporting Suite',
  'Site Preparation',
  'Equipment Delivery',
  'Commissioning',
  'Quality Audit',
  'Change Management',
  'Customer Portal',
  'Infrastructure',
  'Acceptance Testing',
];

/** What a workstream's own children do, after code name and workstream. */
export const PHASES: readonly string[] = ['Phase 1', 'Phase 2', 'Phase 3'];

/** Objects of single projects by department. */
export const OBJECTS: Readonly<Record<string, readonly string[]>> = {
  Engineering: [
    'Harbour Crane',
    'Solar Park',
    'Wind Turbine',
    'Bridge Bearing',
    'Water Treatment',
    'Conveyor Line',
    'Gas Pipeline',
    'Substation',
    'Metro Tunnel',
    'Airport Terminal',
    'Boiler House',
    'Cooling Tower',
    'Railway Signal',
    'Storage Tank',
    'Ferry Dock',
    'Battery Plant',
  ],
  IT: [
    'Payroll System',
    'Data Warehouse',
    'Cloud Backup',
    'Intranet Portal',
    'Customer Database',
    'Email Archive',
    'Service Desk',
    'Identity Management',
    'Mobile Workforce',
    'Invoice Scanning',
    'Network Core',
    'Web Shop',
  ],
  Operations: [
    'Warehouse Roof',
    'Forklift Fleet',
    'Packing Station',
    'Loading Ramp',
    'Spare Parts',
    'Truck Scheduling',
    'Cold Storage',
    'Shift Planning',
    'Site Security',
    'Fleet Telematics',
  ],
  Finance: [
    'Group Consolidation',
    'Tax Compliance',
    'Treasury Desk',
    'Cost Accounting',
    'Expense Claims',
    'Audit Trail',
  ],
  Research: [
    'Hydrogen Storage',
    'Battery Recycling',
    'Carbon Capture',
    'Machine Vision',
    'Smart Sensor',
    'Digital Twin',
  ],
  Procurement: [
    'Supplier Portal',
    'Framework Contract',
    'Catalogue Buying',
    'Vendor Rating',
    'Freight Tender',
  ],
  Marketing: ['Brand Identity', 'Trade Fair', 'Customer Survey', 'Website Content', 'Product Launch'],
  'Human Resources': [
    'Talent Pool',
    'Leadership Training',
    'Onboarding Guide',
    'Pension Scheme',
    'Health Programme',
  ],
};

/** The work done on an object, by type of project. */
export const WORKS: Readonly<Record<string, readonly string[]>> = {
  Client: [
    'Upgrade',
    'Delivery',
    'Design',
    'Installation',
    'Migration',
    'Expansion',
    'Integration',
    'Rollout',
    'Assessment',
  ],
  Internal: ['Redesign', 'Consolidation', 'Rollout', 'Automation', 'Migration', 'Review', 'Refresh'],
  Capital: ['Construction', 'Replacement', 'Extension', 'Modernisation', 'Acquisition', 'Upgrade'],
  Maintenance: ['Overhaul', 'Repair', 'Inspection', 'Renewal', 'Servicing'],
  Research: ['Study', 'Prototype', 'Field Trial', 'Feasibility', 'Simulation'],
};
