# The kernels that the Makefile starts: TensorFlow writes its start-up messages to the standard error of the process,
# and they are not part of any notebook.
c = get_config()  # noqa: F821
c.IPKernelApp.capture_fd_output = False
c.HistoryManager.enabled = False
# A notebook that compares several networks compiles each of them once; TensorFlow takes that for a mistake and warns.
c.IPKernelApp.exec_lines = [
    "import logging",
    "logging.getLogger('tensorflow').addFilter(lambda r: 'retracing' not in r.getMessage())",
]
