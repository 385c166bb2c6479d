// Package argv hides words of a command line from those who list processes, as pppd does with
// its password.
package argv

import "unsafe"

// Hide overwrites a part of a word of os.Args, from an octet on, in the memory in which the
// kernel has put it: /proc/PID/cmdline shows that memory, and there is no other way to change
// what it shows. Package os keeps strings that lie in it; so the word must be one of os.Args, as
// the runtime has set it, and whoever needs its text must have cloned it before.
func Hide(word string, from int) {
	if from >= len(word) {
		return
	}
	secret := unsafe.Slice(unsafe.StringData(word), len(word))[from:]
	for i := range secret {
		secret[i] = '?'
	}
}
