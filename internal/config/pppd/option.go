package pppd

import "strings"

// Role says whose options are read: some make sense on one side only.
type Role uint8

// Roles.
const (
	Client Role = 1 << iota
	Server
	// Account is of one account at a server: an option makes sense for it only if its row
	// says so.
	Account
)

// String is the role's name.
func (r Role) String() string {
	switch r {
	case Server:
		return "server"
	case Account:
		return "account"
	}
	return "client"
}

// status is what becomes of an option.
type status uint8

const (
	honoured status = iota
	warned          // taken without effect, and the log says so
	ignored         // taken without effect, since here it could have none
	refused         // an error
)

// option is one row of the table.
type option struct {
	name   string
	also   string // its other names
	roles  Role   // 0: both
	status status
	kind   kind
	help   string // what it does; of one that is noticed or refused: why not
}

// allowed reports whether an option makes sense for a role.
func (o *option) allowed(r Role) bool { return o.roles == 0 && r != Account || o.roles&r != 0 }

// names are all by which an option is known.
func (o *option) names() []string { return append(strings.Fields(o.also), o.name) }

// groups are the table, in the order of the help.
var groups = []struct {
	title      string   // empty: the help leaves them out
	positional []option // words that have no name to find them by
	options    []option
}{
	{"The line", positionalInterface, pppoeOptions},
	{"Who is who", nil, authOptions},
	{"The link (LCP)", nil, lcpOptions},
	{"Addresses (IPCP, IPv6CP)", positionalAddresses, networkOptions},
	{"What sessions are held to", nil, policyOptions},
	{"Device, routes, and the program", nil, programOptions},
	{"", nil, serialOptions},
}

// byName finds a row by each of its names.
var byName = index()

func index() map[string]*option {
	all := make(map[string]*option)
	for _, g := range groups {
		for i := range g.options {
			for _, name := range g.options[i].names() {
				all[name] = &g.options[i]
			}
		}
	}
	return all
}
