package main

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/mgmt/metrics"
	"upppoe/pppoe"
)

// serveMetrics serves the server's numbers, if the configuration has an address for them, until stop
// is called.
func serveMetrics(c metrics.Config, server *pppoe.Server, radius *radiusService, log *slog.Logger) (stop func(), err error) {
	if c.Listen == "" {
		return func() {}, nil
	}
	var more []prometheus.Collector
	if radius != nil {
		more = append(more, radius.metrics())
	}
	s, err := metrics.Listen(c, server, more...)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w", err)
	}
	log.Info(fmt.Sprintf("Serving metrics on http://%v/metrics", s.Addr()))
	return func() { s.Close() }, nil
}
