"""Pages about the ledger, served by Airflow's API server."""
