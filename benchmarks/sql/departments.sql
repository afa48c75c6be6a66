SELECT id, name FROM departments WHERE organization_id = $1 AND id = ANY($2)
