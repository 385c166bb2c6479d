package serverconfig

import "upppoe/internal/mgmt/metrics"

var metricsSection = single[Config]{
	name: "metrics", help: "Numbers for Prometheus, over HTTP.",
	of: func(c *Config) *Config { return c },
	keys: []key[Config]{
		{"listen", "", "Address and port of /metrics, which has the numbers of the server, and /metrics/sessions, which has those of each session. An address other than a loopback one shows the names of subscribers to anybody who reaches it. Default: none.",
			fixed(at(str("ADDRESS", `an address and a port like "127.0.0.1:9812"`, metricsAddress), func(c *Config) *string { return &c.Metrics.Listen }))},
		{"profiles", "", "Serve the profiles of the program under /debug/pprof/ too, if listen is a loopback address.",
			fixed(at(boolean, func(c *Config) *bool { return &c.Metrics.Profiles }))},
	},
}

func metricsAddress(s string) error {
	_, err := metrics.Config{Listen: s}.Addr()
	return err
}

// checkMetrics rejects profiles on an address that others reach.
func (c *Config) checkMetrics(r *report) {
	if c.Metrics.Listen == "" {
		return
	}
	if _, err := c.Metrics.Addr(); err != nil {
		r.fail("metrics.profiles", err.Error(), "a loopback address in metrics.listen, or profiles = false")
	}
}
