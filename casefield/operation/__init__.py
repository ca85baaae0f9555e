"""Operation: start and stop, upgrade, look after and reach an installed casefield."""
