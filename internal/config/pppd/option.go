package pppd

import "strings"

// Role is the program, or part of it, whose options are read: some options are for one role only.
type Role uint8

// Roles.
const (
	Client Role = 1 << iota
	Server
	// Account is one account of a server: an option is for accounts only if its row says so.
	Account
)

// String returns the role's name.
func (r Role) String() string {
	switch r {
	case Server:
		return "server"
	case Account:
		return "account"
	}
	return "client"
}

// status is how an option is treated.
type status uint8

const (
	honoured status = iota
	warned          // ignored with a warning
	ignored         // ignored without a warning
	refused         // an error
)

// option is one row of the table of options.
type option struct {
	name   string
	also   string // aliases, separated by spaces
	roles  Role   // 0: Client and Server
	status status
	kind   kind
	help   string // what it does; unless honoured, the reason
	server string // help for a server, if it differs
}

// allowed reports whether an option is for a role.
func (o *option) allowed(r Role) bool { return o.roles == 0 && r != Account || o.roles&r != 0 }

// helpFor returns the help for a role.
func (o *option) helpFor(r Role) string {
	if r == Server && o.server != "" {
		return o.server
	}
	return o.help
}

// names returns the option's name and aliases.
func (o *option) names() []string { return append(strings.Fields(o.also), o.name) }

// groups are the table of options, in the order of the help.
var groups = []struct {
	title      string   // empty: not in the help
	positional []option // arguments without a name
	options    []option
}{
	{"Interface and PPPoE", positionalInterface, pppoeOptions},
	{"Authentication", nil, authOptions},
	{"Link (LCP)", nil, lcpOptions},
	{"Addresses (IPCP, IPv6CP)", positionalAddresses, networkOptions},
	{"Session policy", nil, policyOptions},
	{"Clients and limits", nil, accessOptions},
	{"Device, routes and process", nil, programOptions},
	{"", nil, serialOptions},
}

// byName finds a row by its name or an alias.
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
