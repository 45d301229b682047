"""The insights page: sentiment by day, source and product for people who do not write SQL. It only reads."""
