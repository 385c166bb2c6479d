package serverconfig

import "upppoe/pppoe/vlan"

var interfaceSection = repeated[Interface]{
	name: "interface", help: "An Ethernet interface that is served. There may be several.",
	of:    func(c *Config) *[]Interface { return &c.Interfaces },
	fresh: func(*Config) Interface { return Interface{VLANs: vlan.SetOf(vlan.Stack{})} },
	keys: []key[Interface]{
		{"name", "-I --interface", "Name of the interface.",
			fixed(at(str("NAME", "the name of an Ethernet interface like \"eth1\"", interfaceName), func(i *Interface) *string { return &i.Name }))},
		{"vlans", "--vlan", "VLANs that are served: numbers and ranges; OUTER.INNER for two tags; \"untagged\" for frames without a tag; \"any\" for all frames. No VLAN devices are needed.",
			fixed(at(asText("LIST", `VLANs like "100-199", "50,60-69", "100-199.1-4094", "untagged,10-20" or "any"`, vlan.ParseSet, vlan.Set.String), func(i *Interface) *vlan.Set { return &i.VLANs }))},
	},
	required: []string{"name"},
}

// maxInterfaceName is the maximum length of an interface's name, with alternative names, in octets
// (ALTIFNAMSIZ).
const maxInterfaceName = 127

// IsInterfaceName reports whether a name can be that of an Ethernet interface.
func IsInterfaceName(s string) bool { return interfaceName(s) == nil }

func interfaceName(s string) error {
	if printable(s) != nil || len(s) > maxInterfaceName {
		return errInvalid
	}
	for _, r := range s {
		if r == '/' || r == ' ' {
			return errInvalid
		}
	}
	return nil
}
