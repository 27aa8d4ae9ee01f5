"""The words and tables of a corpus: records, labels, Parquet tables, recipes, benchmarks, manifests."""
