"""One wall code: what can this person do at this place now?"""
