package io.gorgon.stream;

import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Elements;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.Values;
import io.gorgon.wire.Frame;
import io.gorgon.worker.PendingCall;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.pekko.stream.Materializer;

/** These are the Java sources among one call's arguments, run as Python asks. Thread-safe. */
public final class SourceFeeds {

  private final List<Elements> sources;
  private final Materializer materializer;
  private final long frameLimit;
  private final Map<Integer, SourceFeed> running = new ConcurrentHashMap<>();

  /**
   * For one call.
   *
   * @param sources in the order of their numbers
   * @param frameLimit bytes of the largest element
   */
  public SourceFeeds(List<Elements> sources, Materializer materializer, long frameLimit) {
    this.sources = sources;
    this.materializer = materializer;
    this.frameLimit = frameLimit;
  }

  /** Python can take more of a source. */
  public void onPull(PendingCall call, Frame frame) {
    JsonNode body;
    try {
      body = Values.mapper().readTree(frame.body());
    } catch (IOException unreadable) {
      throw new PythonFailure.ProtocolViolation("a pull that cannot be read: " + unreadable);
    }
    int number = body.path("source").asInt(-1);
    int count = body.path("n").asInt();
    if (number < 0 || number >= sources.size() || count < 1) {
      throw new PythonFailure.ProtocolViolation("it pulls " + count + " from source " + number);
    }
    // Another run would find only the rest of the source.
    call.runsOnce();
    running
        .computeIfAbsent(
            number,
            any ->
                SourceFeed.run(
                    number, (JavaSource) sources.get(number), call, materializer, frameLimit))
        .pull(count);
  }
}
