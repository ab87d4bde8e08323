package io.gorgon.cli;

import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.Uri;
import org.apache.pekko.management.javadsl.PekkoManagement;

/** Pekko Management's HTTP server; its jars may be missing. */
final class ManagementPort {

  private ManagementPort() {}

  static boolean isThere() {
    try {
      Class.forName(
          "org.apache.pekko.management.javadsl.PekkoManagement",
          false,
          ManagementPort.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException missing) {
      return false;
    }
  }

  /** Completes with its address; where it is started already, with that. */
  static CompletionStage<String> open(ActorSystem<?> system) {
    return PekkoManagement.get(system).start().thenApply(Uri::toString);
  }

  /** Why it could not be opened, with what to change. */
  static String refused(ActorSystem<?> system, Throwable failure) {
    var settings = PekkoManagement.get(system).settings();
    return "the port of the management, "
        + settings.getHttpEffectiveBindHostname()
        + ":"
        + settings.getHttpEffectiveBindPort()
        + ", cannot be had ("
        + Objects.requireNonNullElse(NodeStory.taken(failure), failure.toString())
        + "); set pekko.management.http.hostname or port";
  }
}
