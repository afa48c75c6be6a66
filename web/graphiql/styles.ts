// All style sheets, in the order in which they override each other. "graphiql/style.css" would be one
// line instead, but it holds Monaco's styles a second time.

import "@graphiql/react/font/roboto.css";
import "@graphiql/react/font/fira-code.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./style.css";
