package io.gorgon.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.typesafe.config.ConfigFactory;
import io.gorgon.message.ClusterMessage;
import io.gorgon.proving.TestPool;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import org.apache.pekko.serialization.Serializer;
import org.apache.pekko.serialization.SerializerWithStringManifest;
import org.apache.pekko.serialization.jackson.JacksonCborSerializer;
import org.apache.pekko.serialization.jackson.JacksonObjectMapperProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** All that nodes say to each other arrives, at nodes of neighbouring versions too. */
class MessagesTest {

  private static ActorSystem<?> here;
  private static ActorSystem<?> there;
  private static MessageExamples examples;

  @BeforeAll
  static void start() {
    var config =
        ConfigFactory.parseString(
                "pekko.actor.provider = cluster\n"
                    + "pekko.remote.artery.canonical { hostname = 127.0.0.1, port = 0 }\n"
                    + "pekko.cluster.jmx.multi-mbeans-in-same-jvm = on\n"
                    + "pekko.coordinated-shutdown.exit-jvm = off")
            .withFallback(ConfigFactory.load());
    here = ActorSystem.create(Behaviors.empty(), "messages", config);
    there = ActorSystem.create(Behaviors.empty(), "messages", config);
    examples = new MessageExamples(here);
  }

  @AfterAll
  static void stop() {
    here.terminate();
    there.terminate();
    TestPool.get(here.getWhenTerminated());
    TestPool.get(there.getWhenTerminated());
  }

  @Test
  void everyMessageHasAnExample() {
    Set<String> messages =
        new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("io.gorgon")
                .stream()
                .filter(type -> !type.isInterface() && type.isAssignableTo(ClusterMessage.class))
                .map(JavaClass::getName)
                .collect(Collectors.toSet());

    assertThat(messages).contains(Gate.Serve.class.getName(), Load.class.getName());
    assertThat(examples.all().stream().map(each -> each.getClass().getName()).distinct())
        .containsExactlyInAnyOrderElementsOf(messages);
  }

  @Test
  void everyMessageArrivesWholeAsCbor() throws Exception {
    for (ClusterMessage example : examples.all()) {
      byte[] left = bytes(here, example);
      Object arrived = arrive(there, example, left);

      assertThat(arrived).hasSameClassAs(example);
      assertThat(names(tree(left))).as("%s", example).hasSameElementsAs(names(example));
      // The other node says it again as it was said: nothing was lost, or bent.
      assertThat(tree(bytes(there, (ClusterMessage) arrived)))
          .as("%s", example)
          .isEqualTo(tree(left));
    }
  }

  @Test
  void aValueIsOnItsWayAsItIs() throws Exception {
    Parcel parcel = examples.parcel(100_000);
    byte[] left = bytes(here, parcel);
    var arrived = (Parcel) arrive(there, parcel, left);

    assertThat(left.length).isBetween(100_000, 100_000 + 200);
    assertThat(arrived.parts()).hasSize(2);
    assertThat(ByteBuffer.wrap(arrived.parts().get(1)))
        .isEqualTo(ByteBuffer.wrap(parcel.parts().get(1)));
  }

  @Test
  void whatANewerNodeAddsIsPassedOver() throws Exception {
    for (ClusterMessage example : examples.all()) {
      ObjectNode newer = tree(bytes(here, example));
      newer.putObject("added").put("deep", 1);

      Object arrived = arrive(there, example, mapper(here).writeValueAsBytes(newer));

      assertThat(tree(bytes(there, (ClusterMessage) arrived)))
          .isEqualTo(tree(bytes(here, example)));
    }
  }

  @Test
  void whatAnOlderNodeDoesNotSayIsEmpty() throws Exception {
    for (ClusterMessage example : examples.all()) {
      for (String name : names(example)) {
        ObjectNode older = tree(bytes(here, example));
        older.remove(name);

        Object arrived = arrive(there, example, mapper(here).writeValueAsBytes(older));

        for (RecordComponent part : arrived.getClass().getRecordComponents()) {
          boolean optional =
              part.getAnnotatedType().isAnnotationPresent(Nullable.class)
                  || (part.getType() == ActorRef.class && part.getName().equals(name));
          part.getAccessor().setAccessible(true);
          Object value = part.getAccessor().invoke(arrived);
          assertThat(optional || value != null)
              .as("%s of %s, where %s is missing", part.getName(), arrived, name)
              .isTrue();
          assertThatCode(arrived::toString).doesNotThrowAnyException();
        }
      }
    }
  }

  @Test
  void aChoiceThatOnlyANewerNodeHasIsNotKnown() throws Exception {
    for (ClusterMessage example : examples.all()) {
      for (RecordComponent part : example.getClass().getRecordComponents()) {
        if (part.getType().isEnum()) {
          ObjectNode newer = tree(bytes(here, example));
          newer.put(part.getName(), "A_NEW_ONE");

          assertThatCode(() -> arrive(there, example, mapper(here).writeValueAsBytes(newer)))
              .as("%s of %s", part.getName(), example)
              .doesNotThrowAnyException();
        }
      }
    }
  }

  @Test
  void javaSerializationIsOff() {
    assertThat(here.settings().config().getBoolean("pekko.actor.allow-java-serialization"))
        .isFalse();
  }

  // ---- as Pekko does it

  private static Serializer serializer(ActorSystem<?> system, ClusterMessage message)
      throws Exception {
    Serializer serializer = serialization(system).serializerFor(message.getClass());
    assertThat(serializer).isInstanceOf(JacksonCborSerializer.class);
    return serializer;
  }

  private static byte[] bytes(ActorSystem<?> system, ClusterMessage message) {
    return serialization(system).serialize(message).get();
  }

  private static Object arrive(ActorSystem<?> system, ClusterMessage like, byte[] bytes)
      throws Exception {
    var serializer = (SerializerWithStringManifest) serializer(system, like);
    return serialization(system)
        .deserialize(bytes, serializer.identifier(), serializer.manifest(like))
        .get();
  }

  private static Serialization serialization(ActorSystem<?> system) {
    return SerializationExtension.get(Adapter.toClassic(system));
  }

  private static ObjectMapper mapper(ActorSystem<?> system) {
    return JacksonObjectMapperProvider.get(system)
        .getOrCreate("jackson-cbor", Optional.of(new CBORFactory()));
  }

  private static ObjectNode tree(byte[] bytes) throws Exception {
    JsonNode tree = mapper(here).readTree(bytes);
    return (ObjectNode) tree;
  }

  private static List<String> names(ObjectNode tree) {
    List<String> names = new ArrayList<>();
    tree.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static List<String> names(ClusterMessage message) {
    List<String> names = new ArrayList<>();
    for (RecordComponent part : message.getClass().getRecordComponents()) {
      names.add(part.getName());
    }
    return names;
  }
}
