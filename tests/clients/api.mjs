// Plain requests to the server, for what happens "elsewhere" while a client under test looks on.

/** Sends one operation and gives its data; throws on any top-level error. */
export async function request(url, query, variables = {}, token = null) {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors.map(({ message }) => message).join("; "));
  return data;
}

const SIGN_IN = `
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
      session { accessToken user { name role } }
      errors { ... on UserError { message } }
    }
  }
`;

export async function signIn(url, { login, password }) {
  const { signIn: payload } = await request(url, SIGN_IN, { input: { login, password } });
  if (!payload.session) throw new Error(payload.errors[0].message);
  return payload.session;
}

/** Runs a mutation with the one `input` that every mutation takes; throws when it is refused. */
export async function act(url, token, name, input, selection) {
  const type = `${name[0].toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation ($input: ${type}!) {
    ${name}(input: $input) { ${selection} errors { ... on UserError { code message } } }
  }`;
  const { [name]: payload } = await request(url, query, { input }, token);
  if (payload.errors.length > 0) throw new Error(`${name}: ${JSON.stringify(payload.errors)}`);
  return payload;
}
