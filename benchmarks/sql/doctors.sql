SELECT id, name, department_id, calendar_id FROM doctors
WHERE organization_id = $1 AND archived_at IS NULL AND (name, id) > ($2, $3)
ORDER BY name, id LIMIT 21
