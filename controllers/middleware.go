package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"hourbank/config"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/ingest"
	"hourbank/services/metrics"
	"hourbank/services/tracing"
)

const (
	requestIDKey = "request_id"
	outcomeKey   = "outcome"
	warningKey   = "warning"
	keyNameKey   = "api_key"
	keyRoleKey   = "api_key_role"
)

var saneRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// RequestID gives every request an id, the caller's where it is a sane one,
// and every response its X-Request-Id.
func RequestID(c *gin.Context) {
	id := c.GetHeader("X-Request-Id")
	if !saneRequestID.MatchString(id) {
		id = uuid.NewString()
	}
	c.Set(requestIDKey, id)
	c.Header("X-Request-Id", id)
}

// Headers are on every answer; what may be kept says so itself.
func Headers(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Header("X-Content-Type-Options", "nosniff")
}

// Measure feeds the metrics.
func Measure(metrics *metrics.Metrics) gin.HandlerFunc {
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		metrics.Request(methodOf(c), c.FullPath(), strconv.Itoa(c.Writer.Status()), time.Since(start))
	}
}

// methodOf is the request's method, for metrics and logs: any that HTTP does
// not define are one, or their number and length would be a sender's choice.
func methodOf(c *gin.Context) string {
	switch method := c.Request.Method; method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "other"
}

// AccessLog writes one line a request: what was asked, from which address, by
// which key, what came of it. It logs the route and never the path's values, the query, a
// header or a body; of an event, only its id and type.
func AccessLog(log *zap.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		fields := []zap.Field{
			zap.String("request_id", c.GetString(requestIDKey)),
			zap.String("peer", c.ClientIP()),
			zap.String("method", methodOf(c)),
			zap.String("route", c.FullPath()),
			zap.Int("status", c.Writer.Status()),
			zap.Float64("duration_ms", float64(time.Since(start).Microseconds())/1000),
		}
		for _, key := range []string{keyNameKey, eventIDKey, eventTypeKey} {
			if value := c.GetString(key); value != "" {
				fields = append(fields, zap.String(key, value))
			}
		}
		if outcome, ok := c.Get(outcomeKey); ok {
			outcome := outcome.(ingest.Outcome)
			fields = append(fields, zap.String("outcome", string(outcome.Status)), zap.Bool("duplicate", outcome.Duplicate))
			if outcome.Reason != nil {
				fields = append(fields, zap.String("reason", string(*outcome.Reason)))
			}
		}
		if id := trace(c); id != "" {
			fields = append(fields, zap.String("trace_id", id))
		}
		level := zapcore.InfoLevel
		if warning := c.GetString(warningKey); warning != "" {
			level = zapcore.WarnLevel
			fields = append(fields, zap.String(warningKey, warning))
		}
		switch last := c.Errors.Last(); {
		case last == nil:
		case HungUp(c):
			fields = append(fields, zap.String("code", "client_closed_request"), zap.NamedError("error", last.Err))
		default:
			known := services.AsError(last.Err)
			fields = append(fields, zap.String("code", string(known.Code)))
			if StatusOf(known.Code) >= http.StatusInternalServerError {
				level = zapcore.ErrorLevel
				fields = append(fields, zap.NamedError("error", known))
			}
		}
		log.Log(level, "request", fields...)
	}
}

// trace says of the request's span what the log says, and gives the trace's id; "" where
// none is recorded.
func trace(c *gin.Context) string {
	if !tracing.IsRecorded(c.Request.Context()) {
		return ""
	}
	details := map[string]string{tracing.RequestID: c.GetString(requestIDKey)}
	if outcome, ok := c.Get(outcomeKey); ok {
		details[tracing.EventStatus] = string(outcome.(ingest.Outcome).Status)
	}
	for key, name := range map[string]string{eventIDKey: tracing.EventID, eventTypeKey: tracing.EventType} {
		if value := c.GetString(key); value != "" {
			details[name] = value
		}
	}
	return tracing.Request(c.Request.Context(), methodOf(c)+" "+c.FullPath(), c.FullPath(), details)
}

// statusHungUp is what nginx logs where nobody is left to be answered.
const statusHungUp = 499

// HungUp says whether the client is gone: net/http ends its context.
func HungUp(c *gin.Context) bool { return errors.Is(c.Request.Context().Err(), context.Canceled) }

// RenderErrors answers what a handler returned as an error, or panicked with.
func RenderErrors(log *zap.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			if r := recover(); r != nil {
				log.Error("panic", zap.String("request_id", c.GetString(requestIDKey)),
					zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
				_ = c.Error(fmt.Errorf("panic: %v", r)) // kept on the context, and rendered below
			}
			last := c.Errors.Last()
			switch {
			case last == nil || c.Writer.Written():
			case HungUp(c):
				c.AbortWithStatus(statusHungUp)
			default:
				render(c, services.AsError(last.Err))
			}
		}()
		c.Next()
	}
}

// PathValues unescapes what an escaped path names: Gin itself would take a
// plus sign for a space.
func PathValues(c *gin.Context) {
	if c.Request.URL.RawPath == "" {
		return // the values were unescaped with the path
	}
	for i, param := range c.Params {
		if value, err := url.PathUnescape(param.Value); err == nil { // net/url has parsed it before
			c.Params[i].Value = value
		}
	}
}

// RequireText refuses addresses that no database could look up.
func RequireText(c *gin.Context) {
	parameters, err := url.ParseQuery(c.Request.URL.RawQuery)
	valid := err == nil && models.IsText(c.Request.URL.Path)
	for name, values := range parameters {
		valid = valid && models.IsText(name) && !slices.ContainsFunc(values, func(value string) bool { return !models.IsText(value) })
	}
	if !valid {
		Fail(c, models.Errorf(models.CodeInvalidRequest, "The address must be readable UTF-8 without control characters."))
	}
}

// RequireRole lets only keys with the role, or a higher one, pass.
func RequireRole(keys config.APIKeys, role config.Role, throttle *Throttle) gin.HandlerFunc {
	return func(c *gin.Context) {
		if role == config.RolePublic {
			return
		}
		given := c.GetHeader("Authorization")
		scheme, secret, _ := strings.Cut(given, " ")
		key, known := keys.Find(strings.TrimSpace(secret))
		switch {
		case !strings.EqualFold(scheme, "Bearer") || !known:
			if given != "" {
				if err := throttle.Attempt(c); err != nil {
					Fail(c, err)
					return
				}
			}
			Fail(c, models.Errorf(models.CodeUnauthorized, "This needs an API key: Authorization: Bearer KEY."))
		case key.Role < role:
			setKey(c, key)
			Fail(c, models.Errorf(models.CodeForbidden, "This needs a key with the role %s; yours has %s.", role, key.Role))
		default:
			setKey(c, key)
		}
	}
}

// SetCaller names the API key or person that asks, for the log.
func SetCaller(c *gin.Context, name string) { c.Set(keyNameKey, name) }

func setKey(c *gin.Context, key config.APIKey) {
	SetCaller(c, key.Name)
	c.Set(keyRoleKey, key.Role)
}

// callerOf is the name of the API key that asks.
func callerOf(c *gin.Context) string { return c.GetString(keyNameKey) }

// roleOf is the role of the API key that asks.
func roleOf(c *gin.Context) config.Role {
	role, _ := c.Get(keyRoleKey)
	known, _ := role.(config.Role)
	return known
}

// Fail leaves the error for RenderErrors and skips the handlers after it.
func Fail(c *gin.Context, err error) {
	_ = c.Error(err) // returns what it was given
	c.Abort()
}

// Handle adapts a Handler to Gin.
func Handle(h Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			Fail(c, err)
		}
	}
}

// NotFound and MethodNotAllowed answer what no route does.
func NotFound(c *gin.Context) {
	Fail(c, models.Errorf(models.CodeNotFound, "There is nothing at this address."))
}

// MethodNotAllowed answers a known address asked in another way; Gin has set
// Allow already.
func MethodNotAllowed(c *gin.Context) {
	Fail(c, models.Errorf(models.CodeMethodNotAllowed, "This address takes only %s.", c.Writer.Header().Get("Allow")))
}
