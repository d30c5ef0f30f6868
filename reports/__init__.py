"""What trials mean: tables, estimates, verdict, figures and the report; light to import."""
