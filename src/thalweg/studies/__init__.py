"""Questions asked of a table, from the table to the answer: which rule, at which learning rate, and does it matter?"""
