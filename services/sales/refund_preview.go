package sales

import (
	"context"
	"fmt"

	"hourbank/models"
)

// RefundPreview is what a refund would do once Stripe's events tell of it.
type RefundPreview struct {
	Requests []models.RefundRequest // one for each payment; not stored
	Before   *models.Purchase       // with the refunds that were asked for earlier
	After    *models.Purchase       // with these, too
	Change   models.Change          // from Before to After
	Account  *models.Account        // as it is
	Balance  models.Hours           // hours available then
}

// PreviewRefund says what a refund would do, and changes nothing. It returns
// the errors that Refund returns before it asks Stripe.
func (s *SalesService) PreviewRefund(ctx context.Context, purchaseID string, order RefundOrder) (*RefundPreview, error) {
	if err := order.check(); err != nil {
		return nil, err
	}
	if err := s.settle(ctx, purchaseID, order); err != nil {
		return nil, err
	}
	db := s.db.Reader.WithContext(ctx)
	p, err := ReadPurchase(db, purchaseID)
	if err != nil {
		return nil, err
	}
	known, err := refundRequests(db, p)
	if err != nil {
		return nil, err
	}
	preview := &RefundPreview{}
	preview.Before, _ = p.AfterRefunds(known)
	if err := order.resolve(db, p, preview.Before); err != nil {
		return nil, err
	}
	if preview.Requests, err = order.plan(preview.Before, "", s.db.NowFunc()); err != nil {
		return nil, err
	}
	for i := range preview.Requests {
		preview.Requests[i].ID = models.NewID()
	}
	preview.After, preview.Change = preview.Before.AfterRefunds(preview.Requests)
	if preview.Account, err = readAccount(db, p.AccountID()); err != nil {
		return nil, err
	}
	_, now := p.Left()
	_, then := preview.After.Left()
	preview.Balance = preview.Account.HoursAvailable - now + then
	return preview, nil
}

// Asked says whether a refund was asked for under this key.
func (s *SalesService) Asked(ctx context.Context, key RequestKey) (bool, error) {
	var asked int64
	err := s.db.Reader.WithContext(ctx).Model(&models.RefundRequest{}).Where("id = ?", key.id()).Count(&asked).Error
	if err != nil {
		return false, fmt.Errorf("look for a refund request: %w", err)
	}
	return asked > 0, nil
}
