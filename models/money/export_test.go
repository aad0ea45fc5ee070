package money

const MaxObjects = maxObjects
