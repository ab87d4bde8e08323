package io.gorgon.process;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.PythonException;
import io.gorgon.message.PythonFailure.StartFailed;
import io.gorgon.message.PythonFailure.StartFailed.Kind;

/** What Python says when a worker cannot become ready: the worker itself, or its template. */
public final class StartFailure {

  private StartFailure() {}

  /** Reads what was said; what has no kind of its own is a trouble of the environment. */
  public static StartFailed from(JsonNode body) {
    Kind kind =
        switch (body.path("kind").asText()) {
          case "IMPORT" -> Kind.IMPORT;
          case "TIMEOUT" -> Kind.TIMEOUT;
          case "EXITED" -> Kind.EXITED;
          default -> Kind.ENVIRONMENT;
        };
    if (kind == Kind.IMPORT) {
      PythonException raised = PythonException.from(body.path("failure"));
      return new StartFailed(
          kind,
          "module '"
              + body.path("module").asText()
              + "' cannot be imported: "
              + raised.describe()
              + ": mend it, add its directory to 'path', or take it out of '"
              + body.path("setting").asText("imports")
              + "'",
          raised.traceback());
    }
    return new StartFailed(kind, body.path("message").asText(), body.path("output").asText());
  }
}
