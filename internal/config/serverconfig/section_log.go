package serverconfig

var logSection = single[Config]{
	name: "log", help: "The log. In the background it goes to syslog, facility daemon.",
	of: func(c *Config) *Config { return c },
	keys: []key[Config]{
		{"file", "logfile nolog", "Append the log to this file instead.",
			fixed(at(path("/var/log/pppoe-server.log"), func(c *Config) *string { return &c.Options.LogFile }))},
		{"debug", "-d --debug debug nodebug", "Log every control packet.",
			at(boolean, func(c *Config) *bool { return &c.Options.Debug })},
		{"times", "log-times", "Begin each line with the time, on standard error and in the file. A terminal shows it anyway, and the journal adds its own. With flags alone the default is false: lines are those that scripts know from pppd.",
			fixed(at(boolean, func(c *Config) *bool { return &c.Options.LogTimes }))},
		{"show-passwords", "show-password hide-password", "Show PAP passwords in the log.",
			at(boolean, func(c *Config) *bool { return &c.Options.ShowPassword })},
	},
}
