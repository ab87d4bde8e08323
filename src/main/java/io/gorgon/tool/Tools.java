package io.gorgon.tool;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * These are the tools that Python finds by name: {@code gorgon.host.call("lookup", 7)}. Immutable;
 * each method gives another set.
 *
 * <pre>{@code
 * Tools tools = Tools.NONE
 *     .with("lookup", call -> table.get(call.argument(0, Integer.class)))
 *     .withAsync("price", call -> shop.price(call.argument("item", String.class)));
 * }</pre>
 */
public final class Tools {

  /** No tools. */
  public static final Tools NONE = new Tools(Map.of());

  /** A tool that answers when it returns; it may block, on {@code gorgon.tool-dispatcher}. */
  @FunctionalInterface
  public interface Blocking {

    /** What Python gets, or what is raised there; see {@link Tool#call}. */
    @org.jspecify.annotations.Nullable
    Object call(ToolCall call) throws Exception;
  }

  private final Map<String, Tool> byName;

  private Tools(Map<String, Tool> byName) {
    this.byName = byName;
  }

  /**
   * Adds a tool that answers when it returns, or replaces the one of that name.
   *
   * @throws IllegalArgumentException for an empty name
   */
  public Tools with(String name, Blocking tool) {
    return withAsync(name, call -> CompletableFuture.completedFuture(tool.call(call)));
  }

  /** Adds a tool that answers when its stage completes, or replaces the one of that name. */
  public Tools withAsync(String name, Tool tool) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a tool needs a name");
    }
    var more = new LinkedHashMap<>(byName);
    more.put(name, tool);
    return new Tools(Collections.unmodifiableMap(more));
  }

  /** These tools, and those of {@code others}, which go before where names are the same. */
  public Tools with(Tools others) {
    if (others.byName.isEmpty()) {
      return this;
    }
    var more = new LinkedHashMap<>(byName);
    more.putAll(others.byName);
    return new Tools(Collections.unmodifiableMap(more));
  }

  /** The tool of that name. */
  public Optional<Tool> find(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /** Their names, in the order in which they were added. */
  public Set<String> names() {
    return byName.keySet();
  }

  @Override
  public String toString() {
    return "Tools" + byName.keySet();
  }
}
