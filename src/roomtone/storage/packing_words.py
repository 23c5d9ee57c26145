"""The words that packed chunks are full of, frozen: version 1 of the packing.

They prime the compressor, so that a short call does not pay for the spelling of
``retransmittedPacketsReceived``: half a kilobyte a chunk. Never change this text: chunks that were
packed with it could not be read any more. Better words need a new version beside it.
"""

from msgspec import msgpack

_CANDIDATE = (
    "id timestamp candidateType address port protocol networkType relayProtocol relatedAddress "
    "relatedPort url host srflx prflx relay udp tcp wifi cellular ethernet"
)
_LINES = (
    "Chrome Firefox Safari Mac OS X Windows Android iPhone audioinput audiooutput videoinput",
    "media_capture_started participant_role call_join disconnect participant_id ping_stats",
    "H264 AV1 VP9 profile-id=0 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42",
    "screenshare_audio screenshare camera microphone track: mid: ssrc: producing consuming both",
    "codec mimeType audio/opus sdpFmtpLine minptime=10;useinbandfec=1 clockRate id timestamp",
    "codec mimeType video/VP8 clockRate id timestamp CIT01_ COT01_",
    "candidate-pair localCandidateId remoteCandidateId state succeeded nominated selected "
    "bytesSent bytesReceived packetsSent packetsReceived bytesDiscardedOnSend "
    "packetsDiscardedOnSend currentRoundTripTime totalRoundTripTime availableOutgoingBitrate "
    "availableIncomingBitrate lastPacketSentTimestamp lastPacketReceivedTimestamp id "
    "timestamp",
    f"local-candidate {_CANDIDATE}",
    f"remote-candidate {_CANDIDATE}",
    "media-source kind audio trackIdentifier audioLevel totalAudioEnergy totalSamplesDuration "
    "id timestamp SA1",
    "media-source kind video trackIdentifier width height framesPerSecond id timestamp SV2",
    "transport selectedCandidatePairId selectedCandidatePairChanges dtlsState connected "
    "iceState connected bytesSent bytesReceived id timestamp T01",
    "remote-inbound-rtp ssrc kind audio codecId transportId localId packetsLost "
    "packetsReceived jitter fractionLost roundTripTime totalRoundTripTime "
    "roundTripTimeMeasurements id timestamp RIA",
    "outbound-rtp ssrc kind video codecId transportId mid rid mediaSourceId remoteId active "
    "packetsSent bytesSent retransmittedPacketsSent retransmittedBytesSent targetBitrate "
    "frameWidth frameHeight framesEncoded keyFramesEncoded qpSum totalEncodeTime firCount "
    "pliCount nackCount qualityLimitationReason bandwidth cpu none "
    "qualityLimitationDurations.none qualityLimitationDurations.cpu "
    "qualityLimitationDurations.bandwidth qualityLimitationDurations.other "
    "qualityLimitationResolutionChanges encoderImplementation libvpx powerEfficientEncoder id "
    "timestamp OT01V",
    "inbound-rtp ssrc kind audio codecId transportId mid trackIdentifier packetsReceived "
    "packetsLost packetsDiscarded jitter bytesReceived fecBytesReceived "
    "retransmittedPacketsReceived retransmittedBytesReceived lastPacketReceivedTimestamp "
    "jitterBufferDelay jitterBufferEmittedCount totalSamplesReceived concealedSamples "
    "silentConcealedSamples concealmentEvents insertedSamplesForDeceleration "
    "removedSamplesForAcceleration audioLevel totalAudioEnergy totalSamplesDuration id "
    "timestamp IT01A",
    "inbound-rtp ssrc kind video codecId transportId mid trackIdentifier packetsReceived "
    "packetsLost jitter bytesReceived retransmittedPacketsReceived retransmittedBytesReceived "
    "lastPacketReceivedTimestamp jitterBufferDelay jitterBufferEmittedCount framesReceived "
    "framesDecoded framesDropped frameWidth frameHeight keyFramesDecoded qpSum freezeCount "
    "totalFreezesDuration pauseCount totalDecodeTime firCount pliCount nackCount id timestamp "
    "IT01V",
)

WORDS = msgpack.encode([line.split(" ") for line in _LINES])
"""As they stand in a chunk: msgpack strings. The likeliest come last, nearest to the chunk."""
