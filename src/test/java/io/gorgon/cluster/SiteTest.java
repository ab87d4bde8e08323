package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.gorgon.message.Exit;
import io.gorgon.message.PoolEvent;
import io.gorgon.message.PythonFailure.WorkerLost;
import io.gorgon.message.WorkerId;
import java.lang.reflect.Constructor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What others are told of a node's part of a pool names that part. */
class SiteTest {

  private static final WorkerId OWN = new WorkerId("p", 1, 2);

  private final Site site = new Site("p", "h:1");

  static Stream<PoolEvent> events() {
    return Arrays.stream(PoolEvent.class.getPermittedSubclasses()).map(SiteTest::example);
  }

  private static PoolEvent example(Class<?> kind) {
    Map<Class<?>, Object> values =
        Map.of(
            WorkerId.class,
            OWN,
            String.class,
            "p",
            Exit.class,
            Exit.signal(9),
            long.class,
            7L,
            int.class,
            3,
            boolean.class,
            true);
    try {
      Constructor<?> constructor = kind.getDeclaredConstructors()[0];
      return (PoolEvent)
          constructor.newInstance(
              Arrays.stream(constructor.getParameterTypes()).map(values::get).toArray());
    } catch (ReflectiveOperationException impossible) {
      throw new AssertionError(impossible);
    }
  }

  @ParameterizedTest
  @MethodSource("events")
  void everyEventNamesItsNodeAndIsElseTheSame(PoolEvent own) {
    PoolEvent told = site.outside(own);

    assertThat(told).hasSameClassAs(own);
    assertThat(told.pool()).isEqualTo("p@h:1");
    assertThat(told.toString().replace("p@h:1", "p")).isEqualTo(own.toString());
  }

  @ParameterizedTest
  @MethodSource("events")
  void everyEventArrivesAsItLeft(PoolEvent event) throws Exception {
    var mapper = JsonMapper.builder().build();

    assertThat(mapper.readValue(mapper.writeValueAsBytes(event), PoolEvent.class)).isEqualTo(event);
  }

  @Test
  void anEventOfANewerNodeIsNotKnown() throws Exception {
    assertThat(
            JsonMapper.builder()
                .build()
                .readValue("{\"event\":\"Newest\",\"pool\":\"p\"}", PoolEvent.class))
        .isNull();
  }

  @Test
  void aLostWorkerIsNamedWithItsNode() {
    var own = new WorkerLost("m:f", OWN, Exit.signal(9), true, false, "it died", List.of("tail"));

    var told = (WorkerLost) site.outside(own);

    assertThat(told.worker()).hasToString("p@h:1/1.2");
    assertThat(told).hasMessageContaining("worker p@h:1/1.2 was lost");
    assertThat(site.inside(told.worker())).isEqualTo(OWN);
  }
}
