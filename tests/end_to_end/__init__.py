"""Tests of the whole system. A package, so that pytest stops Airflow after the last of them."""
