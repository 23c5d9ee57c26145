"""Background work: what must survive a kill (DBOS), and the loops that notice it is due."""
