"""Who works here: posts, staff, who holds which post, the rota, closed days."""
