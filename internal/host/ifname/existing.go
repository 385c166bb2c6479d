package ifname

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"upppoe/internal/config/similar"
)

// maxListed bounds the interfaces that a message names: a machine may have thousands.
const maxListed = 8

// Existing returns the Ethernet interfaces of this host for a message about one that does not exist: at most
// eight names, and one to which the missing one is similar.
func Existing(missing string) string {
	all, _ := net.Interfaces()
	var names []string
	for _, i := range all {
		if len(i.HardwareAddr) == 6 && i.Flags&net.FlagLoopback == 0 {
			names = append(names, i.Name)
		}
	}
	slices.Sort(names)
	return list(names, missing)
}

func list(names []string, missing string) string {
	if len(names) == 0 {
		return "none is an Ethernet interface"
	}
	shown := slices.Clone(names[:min(len(names), maxListed)])
	for i := range shown {
		shown[i] = printable(shown[i])
	}
	text := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d others", more)
	}
	if near := similar.To(missing, names); near != "" {
		text += " (did you mean " + printable(near) + "?)"
	}
	return text
}

// printable escapes a name that is not fit for a terminal: the kernel allows all octets but white space, '/' and ':'.
func printable(name string) string { return strings.Trim(strconv.QuoteToASCII(name), `"`) }
