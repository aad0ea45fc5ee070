package bench

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/config"
	"hourbank/controllers"
	"hourbank/database"
	"hourbank/models"
	"hourbank/routes"
	"hourbank/services"
	"hourbank/services/ingest"
	"hourbank/services/stripe"
)

const webhookPath = "/api/finances/webhooks/stripe/"

// handlers gives each way its server. All three log, verify and decode alike.
func handlers(cfg *config.Config, s *services.Services, db *database.DB) map[Way]http.Handler {
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(io.Discard), zap.InfoLevel))
	plain := func(event *stripe.Event) (ingest.Outcome, error) { return plainTransaction(db, event) }
	empty := func(event *stripe.Event) (ingest.Outcome, error) {
		return ingest.Outcome{EventID: event.ID, Status: models.EventProcessed}, nil
	}
	return map[Way]http.Handler{
		Service: routes.New(cfg, s, log),
		Plain:   standIn(cfg, s, log, plain),
		Empty:   standIn(cfg, s, log, empty),
	}
}

// standIn is the service's server with another way of applying an event.
func standIn(cfg *config.Config, s *services.Services, log *zap.Logger, apply func(*stripe.Event) (ingest.Outcome, error)) http.Handler {
	engine := gin.New()
	engine.Use(controllers.RequestID, controllers.Measure(s.Metrics), controllers.AccessLog(log), controllers.RenderErrors(log))
	engine.POST(webhookPath, controllers.Handle(func(c *gin.Context) error {
		body, err := controllers.ReadBody(c, cfg.MaxWebhookBytes)
		if err != nil {
			return err
		}
		if err := s.Stripe.Verify(body, c.GetHeader("Stripe-Signature"), cfg.StripeWebhookSecrets); err != nil {
			return err
		}
		event, err := s.Stripe.Decode(body, "")
		if err != nil {
			return err
		}
		outcome, err := apply(event)
		if err != nil {
			return err
		}
		c.JSON(http.StatusOK, outcome)
		return nil
	}))
	return engine
}

// plainTransaction is how the job is usually done: lock the purchase, record
// the event, update the purchase, write the ledger (which moves the account),
// each with its own statement, one transaction an event.
func plainTransaction(db *database.DB, event *stripe.Event) (ingest.Outcome, error) {
	outcome := ingest.Outcome{EventID: event.ID, Status: models.EventProcessed}
	err := db.Transaction(func(tx *gorm.DB) error {
		var p models.Purchase
		if err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).
			Where("id = (SELECT purchase_id FROM purchase_keys WHERE key = ?)", event.Payment).Take(&p).Error; err != nil {
			return fmt.Errorf("lock the purchase: %w", err)
		}
		now := tx.NowFunc()
		created := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&models.WebhookEvent{
			ID: event.ID, Type: event.Type, APIVersion: &event.APIVersion, Livemode: event.Livemode,
			Status: models.EventProcessed, Attempts: 1, Deliveries: 1, Payload: event.Payload,
			TransactionID: &p.ID, ReceivedAt: now, ProcessedAt: &now,
		})
		if created.Error != nil || created.RowsAffected == 0 {
			outcome.Duplicate = created.Error == nil
			return created.Error
		}
		change := p.Observe(event.Told)
		p.UpdatedAt = now
		if err := tx.Model(&p).Select("payment_status", "amount_due", "hours_credited", "hours_reversed", "amount_received",
			"amount_refunded", "amount_disputed", "failure", "evidence", "expires_at", "completed_at", "updated_at").
			Updates(&p).Error; err != nil {
			return fmt.Errorf("update the purchase: %w", err)
		}
		outcome.TransactionID = &p.ID
		return postPlain(tx, change.Entries, event.ID)
	})
	return outcome, err
}

func postPlain(tx *gorm.DB, entries []models.LedgerEntry, eventID string) error {
	for _, entry := range entries {
		entry.ID, entry.EventID, entry.CreatedAt = models.NewID(), &eventID, tx.NowFunc()
		if err := tx.Create(&entry).Error; err != nil {
			return fmt.Errorf("write the ledger: %w", err)
		}
	}
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
