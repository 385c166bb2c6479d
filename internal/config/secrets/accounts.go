package secrets

import "iter"

// Account is a line of a file that applies to a server.
type Account struct {
	Client string // untrusted: escape it before printing
	Line   int
	Entry
}

// Accounts returns the lines of named clients that can be parsed and apply to a server, in no
// particular order.
func (f *File) Accounts(server string) iter.Seq[Account] {
	return func(yield func(Account) bool) {
		for r := range f.usable {
			if r.client != wildcard && r.matches(server) && !yield(Account{r.client, int(r.line), r.entry()}) {
				return
			}
		}
	}
}
