package daemonize

import "os"

// SetProcessName sets the process's name in lists of processes, which is that of its file by
// default: scripts look for pppd. Errors are ignored.
func SetProcessName(name string) { os.WriteFile("/proc/self/comm", []byte(name), 0) }
