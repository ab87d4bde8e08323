package io.gorgon;

import io.gorgon.message.Elements;
import io.gorgon.stream.SourceFeeds;
import io.gorgon.tool.HostCalls;
import io.gorgon.tool.Tools;
import io.gorgon.wire.Frame;
import io.gorgon.worker.Dialogue;
import io.gorgon.worker.PendingCall;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * This is the caller's part in one call's dialogue: it hands each kind of frame to those who know
 * what it is about, and makes them when the first such frame comes, since most calls say nothing.
 * Thread-safe.
 */
final class CallDialogue implements Dialogue {

  private final CallDesk desk;
  private final Tools tools;
  private final int depth;
  private final List<Elements> elements;
  private final Dialogue chunks;
  private volatile @Nullable ProgressFeed progress;
  private @Nullable HostCalls hostCalls;
  private @Nullable SourceFeeds sources;

  /**
   * For one call.
   *
   * @param tools what the caller offers besides the pool's own
   * @param depth its level among nested calls, from 1
   * @param elements the Java sources among its arguments
   * @param chunks takes the chunks; {@link Dialogue#NONE} for a plain call
   */
  CallDialogue(CallDesk desk, Tools tools, int depth, List<Elements> elements, Dialogue chunks) {
    this.desk = desk;
    this.tools = tools;
    this.depth = depth;
    this.elements = elements;
    this.chunks = chunks;
  }

  ProgressFeed progress() {
    ProgressFeed feed = progress;
    return feed != null ? feed : makeProgress();
  }

  private synchronized ProgressFeed makeProgress() {
    ProgressFeed feed = progress;
    if (feed == null) {
      feed = new ProgressFeed();
      progress = feed;
    }
    return feed;
  }

  @Override
  public boolean isStream() {
    return chunks.isStream();
  }

  @Override
  public void onChunk(PendingCall call, Frame chunk) {
    chunks.onChunk(call, chunk);
  }

  // The I/O thread of the worker that runs the call is the only one that comes here at a time.

  @Override
  public synchronized void onHostCall(PendingCall call, Frame hostCall) {
    HostCalls serving = hostCalls;
    if (serving == null) {
      serving = desk.hostCalls(tools, depth);
      hostCalls = serving;
    }
    serving.onHostCall(call, hostCall);
  }

  @Override
  public synchronized void onPull(PendingCall call, Frame pull) {
    SourceFeeds feeding = sources;
    if (feeding == null) {
      feeding = desk.sources(elements);
      sources = feeding;
    }
    feeding.onPull(call, pull);
  }

  @Override
  public void onProgress(PendingCall call, Frame told) {
    progress().onProgress(told);
  }
}
