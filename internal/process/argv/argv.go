// Package argv hides words of the command line from lists of processes, as pppd does with its
// password.
package argv

import "unsafe"

// Hide overwrites a word of os.Args, from an octet on, in the memory that the kernel shows as
// /proc/PID/cmdline, which cannot be changed otherwise. Package os's strings share that memory; so
// the word must be one of os.Args as the runtime has set it, and it must have been cloned before
// if its text is needed.
func Hide(word string, from int) {
	if from >= len(word) {
		return
	}
	secret := unsafe.Slice(unsafe.StringData(word), len(word))[from:]
	for i := range secret {
		secret[i] = '?'
	}
}
