"""The layer that talks to models: the ledger of answers, pacing, endpoints, batch jobs, a local server."""
