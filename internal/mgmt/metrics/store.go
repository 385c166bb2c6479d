package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/state/sessionlog"
)

// Store is a prometheus.Collector of the numbers of the file of sessions.
type Store struct{ Stats func() sessionlog.Stats }

var (
	storeSessions = describe("store_sessions", "Sessions that have a record in the store.")
	storeBytes    = describe("store_bytes", "Length of the store's file.")
	storeWaiting  = describe("store_waiting_bytes", "Octets of records that wait for the disk.")
	storeWrites   = describe("store_writes_total", "Writes to the store's file.")
	storeRewrites = describe("store_compactions_total", "How often the store's file was written anew.")
	storeErrors   = describe("store_errors_total", "Writes to the store's file that failed, and are tried again.")
	storeFailing  = describe("store_failing", "1 while nothing can be written to the store, else 0.")
)

// Describe sends the descriptions of all metrics.
func (s Store) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{storeSessions, storeBytes, storeWaiting, storeWrites, storeRewrites, storeErrors, storeFailing} {
		to <- d
	}
}

// Collect reads the numbers.
func (s Store) Collect(to chan<- prometheus.Metric) {
	m, is := metricSink{to}, s.Stats()
	m.gauge(storeSessions, float64(is.Sessions))
	m.gauge(storeBytes, float64(is.Bytes))
	m.gauge(storeWaiting, float64(is.Waiting))
	m.counter(storeWrites, is.Writes)
	m.counter(storeRewrites, is.Compactions)
	m.counter(storeErrors, is.Errors)
	m.gauge(storeFailing, boolean(is.Failing != ""))
}
