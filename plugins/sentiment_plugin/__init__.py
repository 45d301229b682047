"""Pages that show the ledger, served by Airflow's API server."""
