package metrics

import _ "embed" // for the files below

// Dashboard is a dashboard for Grafana, as JSON to import.
//
//go:embed dashboard.json
var Dashboard string

// AlertRules are rules for Prometheus, as YAML for rule_files.
//
//go:embed alerts.yml
var AlertRules string
