SELECT id, starts_at, ends_at, status FROM slots
WHERE calendar_id = $1 AND status <> 'REMOVED'
  AND starts_at < $3 AND ends_at > $2 AND starts_at > $2 - interval '1 day'
ORDER BY starts_at, id
