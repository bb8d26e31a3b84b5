"""Online half: a question and its conversation → an answer made of spans of the article."""
