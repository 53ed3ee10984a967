"""The live page: what a results folder says, served to a browser while studies run.

`answering` is what is answered, as plain data, and `under_way` how far studies are; `workers` are the
processes in which that happens; `watch` sees whether something has changed; `app` has the addresses, and the
events that tell a page to ask again; `guard` knows who may ask, and from where.
"""
