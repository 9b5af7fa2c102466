"""Python runs this at the start of every process that has this folder in PYTHONPATH: the tests' models for workers.

So a fit takes exactly as long as a case needs, and no processor time, in the real trainer and its real processes.
"""

from tests.agents.series import slow_models

slow_models.register()
