"""Workers as the pods of an Indexed Job: what is asked for, the manifests, the cluster, how pods are."""
