// Package exports writes lists, and what services/accounting adds up, as CSV
// for spreadsheets and other programs: a chunk at a time, so that a million
// rows take no more memory than a thousand.
package exports

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/accounting"
)

// Service writes exports. It is safe for concurrent use.
type Service struct {
	db    *database.DB
	books *accounting.Service
}

// New makes the service.
func New(db *database.DB, books *accounting.Service) *Service { return &Service{db, books} }

// list is something that can be exported.
type list struct {
	name    string
	filters []filter
	columns []string
	write   func(s *Service, ctx context.Context, q query, give func(rows [][]string) error) error
}

// filter is a parameter that picks rows: one of the words, or any text where
// there are none.
type filter struct {
	name  string
	words []string
}

// query is what was asked for.
type query struct {
	url.Values
	period accounting.Period
}

var (
	period    = []filter{{"from", nil}, {"to", nil}}
	ofStudent = filter{"student_id", nil}
	ofPlan    = filter{"plan", nil}
)

// lists are all of them, in the order in which they are shown.
var lists = []list{
	{"statement", append(period, filter{"by", []string{byMonth}}), statementColumns, (*Service).statement},
	{"sales", append(period, ofPlan), salesColumns, (*Service).sales},
	{"ledger", append(period, ofStudent, ofPlan, filter{"kind", words(models.EntryKinds)}), entryColumns, (*Service).ledger},
	{"purchases", append(period, ofStudent, ofPlan, filter{"payment_status", words(models.PaymentStatuses)}), purchaseColumns, (*Service).purchases},
	{"students", []filter{ofStudent}, studentColumns, (*Service).students},
	{"cases", append(period, ofStudent, filter{"status", []string{"open", "closed"}}, filter{"kind", words(models.CaseKinds)}), caseColumns, (*Service).cases},
	{"events", append(period, filter{"status", words(models.EventStatuses)}, filter{"type", nil}), eventColumns, (*Service).events},
}

func words[T ~string](values []T) []string {
	written := make([]string, len(values))
	for i, value := range values {
		written[i] = string(value)
	}
	return written
}

// Names lists what can be exported.
func Names() []string {
	names := make([]string, len(lists))
	for i, l := range lists {
		names[i] = l.name
	}
	return names
}

// Export is one that was asked for and can be written.
type Export struct {
	Filename string // such as ledger_2026-10-01_2026-10-31.csv
	service  *Service
	list     list
	query    query
}

// Open checks what is asked for: a list by its name, and parameters that pick
// its rows, of which an empty one picks all. It returns a *models.Error with code
// not_found or invalid_request.
func (s *Service) Open(name string, parameters url.Values) (*Export, error) {
	i := slices.IndexFunc(lists, func(l list) bool { return l.name == name })
	if i < 0 {
		return nil, models.Errorf(models.CodeNotFound, "There is no such export, only %s.", strings.Join(Names(), ", "))
	}
	e := &Export{Filename: name, service: s, list: lists[i], query: query{Values: parameters}}
	for parameter, values := range parameters {
		if err := e.list.check(parameter, values); err != nil {
			return nil, err
		}
	}
	var err error
	if e.query.period, err = accounting.ParsePeriod(parameters.Get("from"), parameters.Get("to")); err != nil {
		return nil, err
	}
	if parameters.Get("by") == byMonth {
		if _, err := e.query.period.Months(); err != nil {
			return nil, err
		}
	}
	for _, day := range []string{e.query.period.FirstDay(), e.query.period.LastDay()} {
		if day != "" {
			e.Filename += "_" + day
		}
	}
	e.Filename += ".csv"
	return e, nil
}

// check refuses what the list can't be picked by: what is misspelt would
// answer with everything, or with nothing.
func (l *list) check(parameter string, values []string) error {
	i := slices.IndexFunc(l.filters, func(f filter) bool { return f.name == parameter })
	if i < 0 {
		names := make([]string, len(l.filters))
		for i, known := range l.filters {
			names[i] = known.name
		}
		return models.Errorf(models.CodeInvalidRequest, "There is no parameter %q of %s, only %s.", parameter, l.name, strings.Join(names, ", "))
	}
	if len(values) > 1 {
		return models.Errorf(models.CodeInvalidRequest, "%s is given twice.", parameter)
	}
	if known := l.filters[i].words; values[0] != "" && known != nil && !slices.Contains(known, values[0]) {
		return models.Errorf(models.CodeInvalidRequest, "%s must be one of %s.", parameter, strings.Join(known, ", "))
	}
	return nil
}

// Write writes the header and all rows by RFC 4180. It calls chunk after every
// few of them with how many these were; an error of it ends the export.
func (e *Export) Write(ctx context.Context, w io.Writer, chunk func(rows int) error) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	write := func(rows ...[]string) error {
		if err := out.WriteAll(rows); err != nil {
			return fmt.Errorf("write an export: %w", err)
		}
		return chunk(len(rows))
	}
	empty := true
	err := e.list.write(e.service, ctx, e.query, func(rows [][]string) error {
		if empty {
			empty = false
			rows = slices.Insert(rows, 0, e.list.columns)
		}
		return write(rows...)
	})
	if err == nil && empty {
		err = write(e.list.columns)
	}
	return err
}
