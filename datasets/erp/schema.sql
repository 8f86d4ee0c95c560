-- The ERP demonstration database: projects, the people who work on them, contracts, companies and contacts.
-- The snapshot date ("today") of the data is 2025-06-30.

CREATE TABLE SRM_COMPANIES ( -- Clients, suppliers and partners
  Company_ID        INTEGER PRIMARY KEY,
  Company_Code      TEXT NOT NULL UNIQUE,   -- C0001 …
  Company_Name      TEXT NOT NULL UNIQUE,
  Company_Type      TEXT NOT NULL,          -- Client, Supplier, Subcontractor, Partner
  Industry          TEXT NOT NULL,          -- Energy, Construction, Software, Logistics, Healthcare, Retail, Banking, Telecom
  City              TEXT NOT NULL,
  Country           TEXT NOT NULL,
  Status            TEXT NOT NULL,          -- Active, Inactive, Blocked
  Credit_Limit      REAL,                   -- In EUR; unknown for some
  Rating            INTEGER,                -- 1 (poor) to 5 (excellent); NULL where never rated
  Registered_Date   TEXT NOT NULL,          -- When the company was entered, YYYY-MM-DD
  Parent_Company_ID INTEGER REFERENCES SRM_COMPANIES(Company_ID) -- The group it belongs to; NULL if independent
);

CREATE TABLE SRM_CONTACTS ( -- People at those companies
  Contact_ID        INTEGER PRIMARY KEY,
  Company_ID        INTEGER NOT NULL REFERENCES SRM_COMPANIES(Company_ID),
  Contact_Name      TEXT NOT NULL,
  Job_Title         TEXT NOT NULL,          -- Purchasing Manager, Account Manager, Finance Director, …
  Email             TEXT,
  Phone             TEXT,
  Is_Primary        INTEGER NOT NULL,       -- 1 for the company's main contact, else 0
  Last_Contact_Date TEXT                    -- YYYY-MM-DD; NULL if never spoken to
);

CREATE TABLE PAC_MNT_RESOURCES ( -- The firm's own and hired people
  Resource_ID       INTEGER PRIMARY KEY,
  Resource_Code     TEXT NOT NULL UNIQUE,   -- R00001 …
  Resource_Name     TEXT NOT NULL,
  Resource_Type     TEXT NOT NULL,          -- Employee, Contractor, Consultant, Intern
  Department        TEXT NOT NULL,          -- Engineering, Finance, Operations, IT, Marketing, Human Resources, Procurement, Research
  Job_Title         TEXT NOT NULL,          -- Software Developer, Business Analyst, …
  Skill             TEXT,                   -- Main skill: Java, Python, SQL, SAP, Accounting, Scheduling, …
  Grade             INTEGER NOT NULL,       -- 1 (junior) to 7 (principal)
  City              TEXT NOT NULL,          -- Office
  Hourly_Rate       REAL NOT NULL,          -- Cost per hour in EUR
  Hire_Date         TEXT NOT NULL,          -- YYYY-MM-DD
  Termination_Date  TEXT,                   -- NULL while still with the firm
  Manager_ID        INTEGER REFERENCES PAC_MNT_RESOURCES(Resource_ID) -- Line manager; NULL at the top
);

CREATE TABLE PAC_MNT_PROJECTS ( -- Projects
  Project_ID        INTEGER PRIMARY KEY,
  Project_Code      TEXT NOT NULL UNIQUE,   -- PRJ-0001 …
  Project_Name      TEXT NOT NULL UNIQUE,
  Parent_Project_ID INTEGER REFERENCES PAC_MNT_PROJECTS(Project_ID),   -- Programme it belongs to; NULL at the top
  Company_ID        INTEGER REFERENCES SRM_COMPANIES(Company_ID),      -- Client; NULL for internal projects
  Manager_ID        INTEGER REFERENCES PAC_MNT_RESOURCES(Resource_ID), -- Project manager; NULL if not yet named
  Department        TEXT NOT NULL,          -- Engineering, Finance, Operations, IT, Marketing, Human Resources, Procurement, Research
  Project_Type      TEXT NOT NULL,          -- Client, Internal, Capital, Maintenance, Research
  Status            TEXT NOT NULL,          -- Active, Completed, On Hold, Planned, Cancelled
  Priority          TEXT NOT NULL,          -- Low, Medium, High, Critical
  City              TEXT NOT NULL,          -- Where the work is done
  Budget            REAL NOT NULL,          -- In EUR
  Actual_Cost       REAL,                   -- Spent so far in EUR; NULL if nothing is booked yet
  Fiscal_Year       INTEGER NOT NULL,       -- Year in which it was approved, 2019 … 2025
  Start_Date        TEXT NOT NULL,          -- YYYY-MM-DD
  End_Date          TEXT                    -- NULL if open-ended
);

CREATE TABLE PROJSTAFF ( -- Assignments: who works on which project
  Staff_ID          INTEGER PRIMARY KEY,
  Project_Code      TEXT NOT NULL REFERENCES PAC_MNT_PROJECTS(Project_Code),
  Resource_ID       INTEGER NOT NULL REFERENCES PAC_MNT_RESOURCES(Resource_ID),
  Project_Role      TEXT NOT NULL,          -- Developer, Analyst, Tester, Architect, Team Lead, Coordinator, Controller
  Assigned_Date     TEXT NOT NULL,          -- YYYY-MM-DD
  Release_Date      TEXT,                   -- NULL while still assigned
  Allocation_Pct    INTEGER NOT NULL,       -- Share of working time, 10 … 100
  Planned_Hours     REAL NOT NULL,
  Actual_Hours      REAL,                   -- NULL if nothing is booked yet
  Billing_Rate      REAL,                   -- Charged per hour in EUR; NULL if not billable
  Is_Billable       INTEGER NOT NULL        -- 1 or 0
);

CREATE TABLE PROJCNTRTS ( -- Contracts with suppliers and subcontractors, each for one project
  Contract_ID       INTEGER PRIMARY KEY,
  Contract_Number   TEXT NOT NULL UNIQUE,   -- CT-00001 …
  Project_Code      TEXT NOT NULL REFERENCES PAC_MNT_PROJECTS(Project_Code),
  Company_ID        INTEGER NOT NULL REFERENCES SRM_COMPANIES(Company_ID), -- The contracted company
  Contract_Type     TEXT NOT NULL,          -- Fixed Price, Time and Materials, Cost Plus, Retainer
  Status            TEXT NOT NULL,          -- Draft, Signed, Expired, Terminated
  Contract_Value    REAL NOT NULL,          -- In the contract's currency
  Currency          TEXT NOT NULL,          -- EUR, USD, GBP, CHF
  Signed_Date       TEXT,                   -- NULL for drafts
  Start_Date        TEXT NOT NULL,
  End_Date          TEXT,                   -- NULL if open-ended
  Payment_Terms     INTEGER NOT NULL,       -- Days: 14, 30, 45, 60, 90
  Penalty_Pct       REAL                    -- Penalty for delay in percent; NULL if none agreed
);
