SELECT calendar_id, free.id, free.starts_at
FROM unnest($1::uuid[]) AS wanted (calendar_id), LATERAL (
    SELECT id, starts_at FROM slots
    WHERE slots.calendar_id = wanted.calendar_id AND status = 'AVAILABLE'
      AND starts_at > $2 AND starts_at < $2 + interval '6 months'
    ORDER BY starts_at LIMIT 1) AS free
