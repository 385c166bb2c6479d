package serverconfig

import (
	"errors"

	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

var deviceSection = single[Config]{
	name: "device", help: "The network devices of sessions, and what forwards their packets.",
	of: func(c *Config) *Config { return c },
	keys: []key[Config]{
		{"mode", "--device", "A device for each session (ppp0, ppp1, and so on), which scripts and firewalls may want; or one for all, for thousands of sessions.",
			fixed(at(oneOf("MODE", []string{"per-session", "shared"}, false, true), func(c *Config) *bool { return &c.Device.Shared }))},
		{"name", "--device", "Name of the shared device. Default: pppoe0.",
			fixed(at(str("NAME", "a name that an interface can have, like \"bng0\"", deviceName), func(c *Config) *string { return &c.Device.Name }))},
		{"isolate", "--isolate", "With a shared device, drop packets from one client to another.",
			fixed(at(boolean, func(c *Config) *bool { return &c.Device.Isolate }))},
		{"data-path", "datapath", "What forwards packets: see DATA PATHS.",
			fixed(at(oneOf("KIND", []string{"auto", "kernel", "offload", "plain"}, datapath.KindAuto, datapath.KindKernel, datapath.KindGSO, datapath.KindPlain),
				func(c *Config) *datapath.Kind { return &c.Options.DataPath }))},
		{"queues", "datapath-queues", "Queues of each Ethernet interface; devices of sessions have one unless this is set. Default: half the processors, at most 8.",
			fixed(at(optional(number(1, 64, "4")), func(c *Config) *int { return &c.Options.Queues }))},
	},
}

func deviceName(s string) error {
	if err := tun.CheckName(s); s == "" || errors.Is(err, tun.ErrName) {
		return errInvalid
	}
	return nil
}
